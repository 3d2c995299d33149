export const temperature = undefined;
