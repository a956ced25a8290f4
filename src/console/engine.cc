// SPDX-License-Identifier: Apache-2.0
#include "console/engine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/file.h"
#include "console/pages.h"

namespace valetkey::console {
namespace {

namespace fs = std::filesystem;

constexpr const char* kName = "duckdb-eh.wasm";

// A file, read as it is sent.
class FileBody final : public http::BodySource {
 public:
  FileBody(FileDescriptor file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  std::uint64_t size() const override { return size_; }
  Pull pull(std::span<char> out, bool may_block) override {
    if (!may_block) return {Status::would_block, 0, {}};
    const ssize_t got = ::pread(file_.get(), out.data(), out.size(), static_cast<off_t>(offset_));
    if (got <= 0) return {Status::failed, 0, {}};
    offset_ += static_cast<std::uint64_t>(got);
    return {Status::ok, static_cast<std::size_t>(got), {}};
  }

 private:
  FileDescriptor file_;
  std::uint64_t size_;
  std::uint64_t offset_ = 0;
};

Result<std::string> digest_of(const fs::path& path) {
  VALETKEY_TRY(const FileDescriptor file, open_file(path, O_RDONLY));
  Sha256 digest;
  std::array<char, 65'536> bytes;
  while (true) {
    const ssize_t got = ::read(file.get(), bytes.data(), bytes.size());
    if (got < 0) return fail(ErrorCode::io, "cannot read " + path.string());
    if (got == 0) return hex(as_text(digest.finish()));
    digest.update({bytes.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace

Result<Engine> Engine::find(const fs::path& program) {
  const fs::path folder = program.parent_path();
  std::error_code ignored;
  for (const fs::path& place : {folder / kName, folder.parent_path() / "lib/valetkey" / kName,
                                fs::path("/usr/lib/valetkey") / kName,
                                folder.parent_path().parent_path().parent_path() /
                                    "web/node_modules/@duckdb/duckdb-wasm/dist" / kName}) {
    if (!fs::exists(place, ignored)) continue;
    VALETKEY_TRY(const std::string digest, digest_of(place));
    if (digest != kEngineSha256)
      return fail(
          ErrorCode::corrupt,
          fmt::format("{} is not the engine that the console was tried with", place.string()));
    Engine engine;
    engine.file_ = place;
    engine.bytes_ = fs::file_size(place, ignored);
    engine.url_ = fmt::format("/engine/duckdb-eh-{}.wasm", digest.substr(0, 8));
    if (const fs::path packed = place.string() + ".gz"; fs::exists(packed, ignored)) {
      engine.packed_ = packed;
      engine.bytes_ = fs::file_size(packed, ignored);
    }
    return engine;
  }
  return fail(ErrorCode::not_found, std::string("there is no ") + kName);
}

std::optional<http::Response> Engine::answer(const http::Request& request) const {
  if (request.path != url_ ||
      (request.method != http::Method::get && request.method != http::Method::head))
    return std::nullopt;
  const auto accepted = request.header("accept-encoding");
  const bool packed = !packed_.empty() && accepted && accepts(*accepted, "gzip");
  const fs::path& path = packed ? packed_ : file_;
  std::error_code failed;
  const std::uint64_t size = fs::file_size(path, failed);
  auto file = open_file(path, O_RDONLY);
  if (!file || failed) return std::nullopt;
  http::Response response;
  response.set("Cache-Control", "public, max-age=31536000, immutable")
      .set("Vary", "Accept-Encoding");
  response.set("Content-Type", "application/wasm").set("X-Content-Type-Options", "nosniff");
  response.set("Content-Security-Policy", "default-src 'none'; sandbox");
  response.set("Cross-Origin-Resource-Policy", "same-origin");
  if (packed) response.set("Content-Encoding", "gzip");
  if (request.method == http::Method::head) return std::move(response).length_only(size);
  return std::move(response).stream(std::make_unique<FileBody>(std::move(*file), size));
}

}  // namespace valetkey::console
