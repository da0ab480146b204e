"""Audio-visual contrast and temporal pretext tasks.

A batch holds two clips of each video, and the audio of each:
- `video` (B, 2, 3, T, H, W), or bytes as `as_float` takes them; `audio` (B, 2, Ta, F);
- `video_speed`, `audio_speed`, `video_direction`, `audio_direction`: classes (B, 2);
- `order_vv`, `order_aa`, `order_va`: classes (B,), of `avtool.models.temporal.heads.ORDERS`, for (first clip,
  second clip) of video, of audio, and of (first clip of video, second clip of audio);
- `<name>_weight` of the same shape for each of these, 0 where the label is undefined;
- `video_id`, `index` (B,): the film or recording, and the row of the dataset;
- optionally `video_present`, `audio_present` (B,): False where a row lacks the modality.
"""
