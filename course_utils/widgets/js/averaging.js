export const averaging = undefined;
