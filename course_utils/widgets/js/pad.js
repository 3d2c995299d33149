export const pad = undefined;
