"""Contrast of sight and sound, and questions about time.

A batch holds two clips of each video and the sound that goes with each:
- `video` (B, 2, 3, T, H, W), or bytes as `as_seen` takes them; `audio` (B, 2, Ta, F);
- `video_speed`, `audio_speed`, `video_direction`, `audio_direction`: classes (B, 2);
- `order_vv`, `order_aa`, `order_va`: classes (B,), of `avtool.models.temporal.heads.ORDERS`, for (first clip,
  second clip) of sight, of sound, and of (first clip of sight, second of sound);
- `<name>_weight` of the same shape for each of these, 0 where the question has no answer;
- `video_id`, `index` (B,): which film or recording, which row of the data;
- optionally `video_present`, `audio_present` (B,): False where a row lacks the modality.
"""
