export function start() { return {}; }
