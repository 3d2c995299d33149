"""What the appendix on time says of its own output, and an expression that must then be true."""

STATEMENTS = [
    (
        "The numbers are the same and so is the memory.",
        "torch.equal(images, default) and images.data_ptr() == default.data_ptr()",
    ),
    (
        "the first convolution answers in the layout in which it was asked",
        "models['PE-4'].conv1(images).is_contiguous(memory_format=torch.channels_last)"
        " and models['PE-4'].conv1(default).is_contiguous()",
    ),
    (
        "conv1** does twice the FLOPs, **conv2** the same number",
        "parts['ratio in FLOPs']['conv1'] == 2 and parts['ratio in FLOPs']['conv2'] == 1",
    ),
]
