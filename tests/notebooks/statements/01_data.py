"""What chapter 1 says about the images, to be checked where it says so."""

STATEMENTS = [
    (
        "All 70,000 come with the course",
        "len(data_train) + len(data_val) + len(data_test) == 70_000",
    ),
    (
        "where 0 is paper and 255 is full ink",
        "data_train.images.min() == 0 and data_train.images.max() == 255",
    ),
    (
        "They fit: they're the mean and the standard deviation of",
        "(lambda pixels: abs(pixels.mean() / 255 - MEAN) + abs(pixels.std() / 255 - STD) < 0.0001)"
        "(np.concatenate([data_train.images, data_val.images]))",
    ),
    (
        "No digit is rare",
        "(description.loc[['train', 'val', 'test'], list(range(10))].T"
        " / [55_000, 5_000, 10_000] > 0.08).all().all()",
    ),
    (
        "exactly 500 of each class",
        "(description.loc['val', list(range(10))] == 500).all()",
    ),
    (
        "That's remarkably good for counting pixels",
        "0.9 < roc_auc_score(is_ood, np.concatenate([digit_scores, clothes_scores])) < 1",
    ),
    (
        "very little ink gets lost",
        "crops.sum() > 0.97 * 9 * originals.sum(dtype=int)",
    ),
    (
        "The more candidates, the more the winner is flattered",
        "(np.diff(where_chosen) > 0).all() and where_chosen[-1] > 0.18",
    ),
    (
        "luck doesn't carry over to fresh digits",
        "np.abs(on_fresh / num_digits - 0.1).max() < 0.01",
    ),
    (
        "the expected gap is at most",
        "(where_chosen - 0.1 < np.sqrt(np.log(num_candidates) / (2 * num_digits)) + 0.01).all()",
    ),
    (
        "about a third of the error rate itself",
        "0.25 < np.sqrt(0.01 * 0.99 / 1_000) / 0.01 < 0.4",
    ),
    (
        "the first half was written by other people",
        "(lambda means: (lambda wrong: wrong[:5_000].mean() > 1.2 * wrong[5_000:].mean())("
        "((means**2).sum(axis=1) - 2 * data_test.images.reshape(10_000, -1) @ means.T)"
        ".argmin(axis=1) != data_test.labels))("
        "np.stack([data_train.images[data_train.labels == c].mean(axis=0).ravel()"
        " for c in range(10)]))",
    ),
    (
        "our validation digits are among its 60,000",
        "np.array_equal(mnist.data.numpy()[is_validation], data_val.images)"
        " and np.array_equal(mnist.data.numpy()[~is_validation], data_train.images)",
    ),
    (
        "Both ways give the same digits in the same format",
        "all(torch.equal(to_network(data_test.images[i]), next(iter(batches(data_test, 9)))[0][i])"
        " for i in range(9))",
    ),
    (
        "Validation is the test set.",
        "torch.equal(datamodule.val.data, datamodule.test.data)",
    ),
    (
        "Fashion-MNIST's training images**, six times as many",
        "datamodule.ood.train and len(datamodule.ood) == 6 * len(datamodule.test)",
    ),
]
