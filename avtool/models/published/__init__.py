"""Published weights: other projects' names and shapes to ours.

Every loader takes a dictionary of tensors that is already open (by safetensors, or by `torch.load` with
`weights_only=True`) and returns a `LoadReport`: nothing is skipped silently.
"""
