export const desk = undefined;
