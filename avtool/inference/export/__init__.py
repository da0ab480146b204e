"""Models for other runtimes: ONNX, `torch.export`, timm and transformers, each compared with the original."""
