"""What chapter 2 says about its results: a fragment of the sentence, and what must be true."""

LOG = "pd.read_csv(log)"
RATE = f"{LOG}['lr-SGD'].dropna()"
LOSS = f"{LOG}['train_loss'].dropna()"

STATEMENTS = [
    (
        "the fully connected layers hold most of the parameters",
        "layers.parameters[['fc1', 'fc2', 'fc3']].sum() > 0.9 * layers.parameters['sum']",
    ),
    (
        "the convolutions do most of the work",
        "layers['FLOPs per image'][['conv1', 'conv2']].sum() > 0.8 * 563_280",
    ),
    (
        "so its loss is close to that of a guess",
        "abs(F.cross_entropy(model(images), labels).item() - np.log(10)) < 0.05",
    ),
    ("The training loss starts at", f"abs({LOSS}[:4].mean() - np.log(10)) < 0.03"),
    ("stays there for a while", f"({LOSS}[:6] - np.log(10)).abs().max() < 0.15"),
    ("Then the loss falls off a cliff", f"{LOSS}[-20:].mean() < 0.3"),
    ("The learning rate climbs", f"{RATE}.iloc[0] < 0.1 * {RATE}.max()"),
    ("comes back to almost nothing", f"{RATE}.iloc[-1] < 0.01 * {RATE}.max()"),
    ("The first number looks splendid", "results[0]['test/cls/Acc'] > 0.97"),
    (
        "It does hesitate more over clothes",
        "results[0]['ood/Entropy'] > 3 * results[0]['test/cls/Entropy']",
    ),
    ("the network claims to know more", "clothes_doubt < 0.75 * np.log(10)"),
    ("one for each loader and all alike", "len(results) == 2 and results[0] == results[1]"),
    (
        "you get the sum from the table of layers",
        "results[0]['test/cplx/flops'] / 500 == layers.loc['sum', 'FLOPs per image']",
    ),
]
