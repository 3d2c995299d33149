export const misclassified = undefined;
