/** Types of attributes that Java names; others go by their number (RFC 2253, 2.3). */
const named: ReadonlySet<string> = new Set(['CN', 'C', 'O', 'OU', 'L', 'ST', 'STREET', 'DC', 'UID'])

const numbers: Readonly<Record<string, string>> = {
  emailAddress: '1.2.840.113549.1.9.1',
  serialNumber: '2.5.4.5',
  SN: '2.5.4.4',
  GN: '2.5.4.42',
  title: '2.5.4.12',
  initials: '2.5.4.43',
  dnQualifier: '2.5.4.46',
}

/** Tags of ASN.1 strings: IA5String for addresses of mail, PrintableString for numbers, else UTF8String. */
const tags: Readonly<Record<string, number>> = { emailAddress: 0x16, serialNumber: 0x13, dnQualifier: 0x13 }

/**
 * The name of a certificate's subject as Java's `X500Principal.getName` gives it: `CN=client,OU=x,C=DE`.
 *
 * @param subject as Node gives it: a line for each part, the widest first.
 */
export function distinguishedName(subject: string): string {
  return subject
    .split('\n')
    .filter((line) => line !== '')
    .reverse()
    .map((line) => line.split(' + ').map(attribute).join('+'))
    .join(',')
}

function attribute(text: string): string {
  const at = text.indexOf('=')
  const type = text.slice(0, at)
  const number = numbers[type]
  // Java puts a backslash before each of them, and Node only before a first one.
  if (named.has(type) || number === undefined) {
    return text.replace(/\\.|#/g, (one) => (one === '#' ? '\\#' : one))
  }
  const value = Buffer.from(text.slice(at + 1).replace(/\\(.)/g, '$1'))
  const size = value.length < 128 ? [value.length] : [0x81, value.length]
  return `${number}=#${Buffer.from([tags[type] ?? 0x0c, ...size, ...value]).toString('hex')}`
}
