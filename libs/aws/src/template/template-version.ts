/** The version of the template's text. Whatever changes the text changes the version. */
export const TEMPLATE_VERSION = '1.0.0';
