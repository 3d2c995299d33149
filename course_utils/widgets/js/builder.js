export const builder = undefined;
