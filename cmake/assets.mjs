// SPDX-License-Identifier: Apache-2.0
// assets.mjs FOLDER OUT: packs every file of FOLDER with brotli and gzip into OUT/, and writes OUT/assets.cc, which holds
// all of it (assembler's .incbin) and the table console::embedded_assets(). The same files give the same text.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join, relative, resolve, sep } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const kTypes = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

function filesOf(folder) {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesOf(path) : [path];
    })
    .sort();
}

const brotli = (bytes) =>
  brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });

const [folder, out] = process.argv.slice(2).map((path) => resolve(path));
mkdirSync(out, { recursive: true });
const assembler = [];
const table = [];
const declared = [];

function embed(symbol, file, digest) {
  // The digest is in the text, so that the text changes whenever a file does.
  assembler.push(`  ${symbol}:  // ${digest}`, `  .incbin "${file}"`, `  ${symbol}_end:`);
  declared.push(`extern const char ${symbol}[], ${symbol}_end[];`);
  return `text_of(${symbol}, ${symbol}_end)`;
}

filesOf(folder).forEach((file, number) => {
  const path = `/${relative(folder, file).split(sep).join('/')}`;
  const type = kTypes[extname(file)];
  if (!type) throw new Error(`cmake/assets.mjs: no media type is known for ${path}; add it to kTypes`);
  const bytes = readFileSync(file);
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const forms = [];
  for (const [form, packed] of [['plain', bytes], ['brotli', brotli(bytes)], ['gzip', gzipSync(bytes, { level: 9 })]]) {
    if (form !== 'plain' && packed.length >= bytes.length) {
      forms.push('{}');
      continue;
    }
    const copy = join(out, `${number}.${form}`);
    writeFileSync(copy, packed);
    forms.push(embed(`valetkey_asset_${number}_${form}`, copy, digest));
  }
  const immutable = path.startsWith('/assets/');
  table.push(`    {"${path}", "${type}", "\\"${digest}\\"", ${forms.join(', ')}, ${immutable}},`);
});

const text = `// Written by cmake/assets.mjs.
#include <array>
#include "console/asset.h"
#if defined(__clang__) || defined(__GNUC__)
asm(R"(
  .section .rodata
${assembler.map((line) => line.replace(/ {2}\/\/ /, ' # ')).join('\n')}
  .previous
)");
#endif
extern "C" {
${declared.join('\n')}
}
namespace valetkey::console {
namespace {
std::string_view text_of(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}
}  // namespace
std::span<const Asset> embedded_assets() {
  static const auto assets = std::to_array<Asset>({
${table.join('\n')}
  });
  return assets;
}
}  // namespace valetkey::console
`;
writeFileSync(join(out, 'assets.cc'), text);
