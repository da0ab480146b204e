"""Generation of videos by diffusion in latents."""
