"""What chapter 6 says of its own output, and an expression that must then be true."""

STATEMENTS = [
    (
        "Each of the six outputs looks at two channels instead of four",
        "grouped.weight.shape == (6, 2, 3, 3)",
    ),
    (
        "The second convolution is nothing but a grouped `Conv2d`",
        "type(PackedConv2d(6, 16, kernel_size=5, **packed).conv) is nn.Conv2d",
    ),
    (
        "two images give *eight* rows",
        "last(F.relu(hidden(torch.randn(2, 240)))).shape == (8, 10)",
    ),
    (
        "Three members can't share the 32 channels of `conv2` equally.",
        "PackedLeNet(alpha=2, num_estimators=2).conv2.conv.out_channels == 32",
    ),
    (
        "With $\\alpha^2 = M$, as here, that's no change at all.",
        "all("
        "getattr(packed_lenet, name).weight.numel() == getattr(LeNet(), name).weight.numel()"
        " for name in ('conv2', 'fc1', 'fc2'))",
    ),
    (
        "Together they are more accurate than each of them alone",
        "accuracy['all together'] > alone.max()",
    ),
    (
        "DE-2 has twice the parameters and FLOPs.",
        "(cost.loc['DE-2'] == 2 * cost.loc['LeNet'])[['parameters', 'FLOPs per image']].all()",
    ),
    (
        "about as many parameters as LeNet and nearly a third more FLOPs",
        "1 < (cost.loc['PE-4'] / cost.loc['LeNet'])['parameters'] < 1.05"
        " and 1.28 < (cost.loc['PE-4'] / cost.loc['LeNet'])['FLOPs per image'] < 1.34",
    ),
    (
        "Each of the five packed networks has a higher NLL than each of the eight LeNets",
        "len(nll['large', 'PE-4']) == 5 and len(nll['large', 'LeNet']) == 8"
        " and nll['large', 'PE-4'].min() > nll['large', 'LeNet'].max()",
    ),
    (
        "If you can afford two LeNets, take DE-2.",
        "nll['large', 'DE-2'].mean() < nll['large', 'LeNet'].mean()",
    ),
    (
        "PE-4 has a lower NLL than each of the eight LeNets",
        "nll['small', 'PE-4'].max() < nll['small', 'LeNet'].min()",
    ),
    ("even than each DE-2", "nll['small', 'PE-4'].max() < nll['small', 'DE-2'].min()"),
    (
        "LeNet lies below in every bin with enough images; PE-4 has the smallest ECE.",
        "(lambda bins: (bins['LeNet'].accuracy < bins['LeNet'].confidence)"
        "[bins['LeNet'].count >= 20].all() and bins['PE-4'].error < bins['DE-2'].error"
        " < bins['LeNet'].error)"
        "({n: figures.calibration.calibration_bins(one, 10) for n, one in small.items()})",
    ),
    (
        "so they can't rank digits on which all members agree",
        "len(answers_val) > 1_000 > (answers_val.member_predicted.std(axis=1) > 0).sum()",
    ),
]
