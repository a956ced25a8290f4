// SPDX-License-Identifier: Apache-2.0
#define ZLIB_CONST
#include <zlib.h>

#include <algorithm>
#include <limits>

#include "events/intake.h"

namespace valetkey::events {
namespace {

constexpr int kGzipOnly = 16 + MAX_WBITS;

class Inflater {
 public:
  Inflater() { ok_ = inflateInit2(&stream_, kGzipOnly) == Z_OK; }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  explicit operator bool() const { return ok_; }
  z_stream& stream() { return stream_; }

 private:
  z_stream stream_{};
  bool ok_ = false;
};

using Why = IntakeRefusal::Why;

std::unexpected<IntakeRefusal> refuse(Why why, std::string message) {
  return std::unexpected(IntakeRefusal{why, std::move(message)});
}

}  // namespace

Result<std::string, IntakeRefusal> unzip(std::string_view body, const IntakeLimits& limits) {
  if (body.size() > std::numeric_limits<uInt>::max())
    return refuse(Why::too_large, "The body is too large.");
  Inflater inflater;
  if (!inflater) return refuse(Why::malformed, "The body could not be unzipped.");
  auto& stream = inflater.stream();
  stream.next_in = reinterpret_cast<const Bytef*>(body.data());
  stream.avail_in = static_cast<uInt>(body.size());
  // Small bodies compress well without being bombs, hence the floor.
  const std::size_t most = std::min(
      limits.max_unzipped_bytes, std::max<std::size_t>(body.size() * limits.max_zip_ratio, 65536));
  std::string out;
  std::size_t used = 0;
  int status = Z_OK;
  // The buffer grows only when it is full: members cost what they hold, however many they are.
  while (true) {
    if (used == out.size()) {
      if (used > most)
        return refuse(Why::too_large, "The unzipped body is too large for its size.");
      out.resize(std::min(most + 1, std::max<std::size_t>(out.size() * 2, 16384)));
    }
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + used);
    stream.avail_out = static_cast<uInt>(out.size() - used);
    status = inflate(&stream, Z_NO_FLUSH);
    used = out.size() - stream.avail_out;
    if (status == Z_STREAM_END && stream.avail_in > 0) {
      if (inflateReset(&stream) != Z_OK) break;
      continue;
    }
    if (status != Z_OK || (stream.avail_in == 0 && stream.avail_out > 0)) break;
  }
  if (used > most) return refuse(Why::too_large, "The unzipped body is too large for its size.");
  out.resize(used);
  if (status != Z_STREAM_END)
    return refuse(Why::malformed, "The body is not valid gzip, or is cut short.");
  return out;
}

}  // namespace valetkey::events
