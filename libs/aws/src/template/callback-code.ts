export const CALLBACK_CODE = `exports.handler = async () => {};
`;
