// SPDX-License-Identifier: Apache-2.0
// What a field may hold, checked before it is sent; the server checks the same again.

export function emailProblem(email: string): { email?: string } {
  const text = email.trim();
  if (!text) return { email: "Type an e-mail address." };
  if (!/^[^\s@]+@[^\s@]+$/.test(text))
    return { email: "Type a whole e-mail address, such as ann@example.com." };
  if (text.length > 254) return { email: "An e-mail address has at most 254 characters." };
  return {};
}

export function passwordProblem(password: string, least: number): string | null {
  const length = [...password].length;
  if (length === 0) return "Type a password.";
  if (length < least) return `Use at least ${least} characters: ${least - length} more.`;
  if (length > 256) return "Use at most 256 characters.";
  return null;
}

export function nameProblem(name: string): string | null {
  const length = [...name.trim()].length;
  if (length === 0) return "Give it a name.";
  if (length > 100) return "Use at most 100 characters.";
  return null;
}
