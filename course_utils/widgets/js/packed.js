export const packed = undefined;
