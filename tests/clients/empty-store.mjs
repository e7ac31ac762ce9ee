/** `wasi:config/store` for jco, which has none: the configuration is in the environment. */
export const get = () => undefined;
export const getAll = () => [];
