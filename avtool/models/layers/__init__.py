"""The pieces that the Transformers share.

Parameter names follow timm's Vision Transformer (`blocks.0.attn.qkv`, `mlp.fc1`, `pos_embed`), because most
published weights do, and a map of names is then short.
"""
