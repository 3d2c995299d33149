export const disagreement = undefined;
