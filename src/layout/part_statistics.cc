// SPDX-License-Identifier: Apache-2.0
#include "layout/part_statistics.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/encoding.h"

namespace valetkey::layout {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kUnit = 3, kFieldIds = 4;                      // of the second byte
constexpr std::uint8_t kKind = 7, kNulls = 8, kSame = 16, kCut = 32;  // of a column
constexpr std::size_t kMostColumns = 1000;

class Writer {
 public:
  void byte(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
  void number(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) byte(static_cast<std::uint8_t>(0x80 | (value & 0x7f)));
    byte(static_cast<std::uint8_t>(value));
  }
  void value(const BoundValue& value) { std::visit(*this, value); }
  std::string take() { return std::move(bytes_); }

  void operator()(bool value) { byte(value ? 1 : 0); }
  void operator()(std::int64_t value) {
    number((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  void operator()(double value) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<std::uint8_t>(bits >> shift));
  }
  void operator()(const std::string& value) {
    number(value.size());
    bytes_ += value;
  }

 private:
  std::string bytes_;
};

// After a failure everything that is read is 0 or empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}
  bool sound() const { return sound_; }
  bool done() const { return sound_ && rest_.empty(); }
  void require(bool condition) { sound_ = sound_ && condition; }

  std::uint8_t byte() {
    const auto taken = take(1);
    return taken.empty() ? 0 : static_cast<std::uint8_t>(taken[0]);
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; sound_ && shift < 64; shift += 7) {
      const auto b = byte();
      require(shift < 63 || b <= 1);
      value |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if (b >= 0x80) continue;
      require(b != 0 || shift == 0);  // the shortest form only
      return sound_ ? value : 0;
    }
    require(false);
    return 0;
  }
  BoundValue value(std::size_t kind) {
    if (kind == 1) return boolean();
    if (kind == 2) return integer();
    if (kind == 3) return real();
    return text();
  }

 private:
  std::string_view take(std::uint64_t count) {
    require(count <= rest_.size());
    if (!sound_) return {};
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  bool boolean() {
    const auto b = byte();
    require(b <= 1);
    return b == 1;
  }
  std::int64_t integer() {
    const auto n = number();
    return static_cast<std::int64_t>(n >> 1) ^ -static_cast<std::int64_t>(n & 1);
  }
  double real() {
    const auto taken = take(8);
    std::uint64_t bits = 0;
    for (std::size_t i = taken.size(); i-- > 0;)
      bits = bits << 8 | static_cast<std::uint8_t>(taken[i]);
    const auto value = std::bit_cast<double>(bits);
    require(!std::isnan(value));
    return sound_ ? value : 0;
  }
  std::string text() {
    const auto taken = take(number());
    require(taken.size() <= kLongestBound && is_utf8(taken));
    return std::string(taken);
  }

  std::string_view rest_;
  bool sound_ = true;
};

// Zeros of both signs differ here: they are different bytes.
bool is_same(const BoundValue& a, const BoundValue& b) {
  const auto* real = std::get_if<double>(&a);
  return a == b && (real == nullptr || std::signbit(*real) == std::signbit(std::get<double>(b)));
}

void write_column(const ColumnStatistics& column, std::int32_t former, Writer& out) {
  out.number(static_cast<std::uint64_t>(column.id - former));
  std::uint8_t what = column.nulls ? kNulls : 0;
  const bool same = column.bounds && is_same(column.bounds->lower, column.bounds->upper);
  if (column.bounds) {
    what |= static_cast<std::uint8_t>(column.bounds->lower.index() + 1);
    if (same) what |= kSame;
    if (!column.bounds->exact) what |= kCut;
  }
  out.byte(what);
  if (column.nulls) out.number(*column.nulls);
  if (!column.bounds) return;
  out.value(column.bounds->lower);
  if (!same) out.value(column.bounds->upper);
}

void read_column(std::int32_t former, std::uint64_t rows, Reader& in, ColumnStatistics& column) {
  const auto step = in.number();
  in.require(step > 0 && step < (1U << 20));
  column.id = former + (in.sound() ? static_cast<std::int32_t>(step) : 0);
  const auto what = in.byte();
  const std::size_t kind = what & kKind;
  in.require(kind <= 4 && what < 2 * kCut && (kind > 0 || (what & (kSame | kCut)) == 0));
  if ((what & kNulls) != 0) {
    column.nulls = in.number();
    in.require(*column.nulls <= rows);
  }
  if (kind == 0 || !in.sound()) return;
  Bounds& bounds = column.bounds.emplace();
  bounds.lower = in.value(kind);
  bounds.exact = (what & kCut) == 0;
  bounds.upper = (what & kSame) != 0 ? bounds.lower : in.value(kind);
  in.require(bounds.lower <= bounds.upper &&
             is_same(bounds.lower, bounds.upper) == ((what & kSame) != 0));
}

void read_row_groups(PartStatistics& read, Reader& in) {
  const auto count = in.number();
  in.require(count <= kMostRowGroups);
  std::uint64_t at = 0;
  for (std::uint64_t i = 0; in.sound() && i < count; ++i) {
    const auto step = in.number();
    in.require((i == 0 || step > 0) && !__builtin_add_overflow(at, step, &at));
    read.row_groups.push_back(at);
  }
}

std::string_view beginning(std::string_view text) {
  std::size_t bytes = 0;
  while (bytes < text.size()) {
    const auto character = std::max<std::size_t>(utf8_sequence(text.substr(bytes)), 1);
    if (bytes + character > kCutBound) break;
    bytes += character;
  }
  return text.substr(0, bytes);
}

std::string utf8(char32_t c) {
  const auto byte = [](char32_t value) { return static_cast<char>(value); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | c >> 6), byte(0x80 | (c & 63))};
  if (c < 0x10000) return {byte(0xE0 | c >> 12), byte(0x80 | (c >> 6 & 63)), byte(0x80 | (c & 63))};
  return {byte(0xF0 | c >> 18), byte(0x80 | (c >> 12 & 63)), byte(0x80 | (c >> 6 & 63)),
          byte(0x80 | (c & 63))};
}

char32_t character_at(std::string_view text, std::size_t at) {
  const auto first = static_cast<std::uint8_t>(text[at]);
  if (first < 0x80) return first;
  char32_t c = first & (first >= 0xF0 ? 0x07U : first >= 0xE0 ? 0x0FU : 0x1FU);
  for (std::size_t i = at + 1; i < text.size(); ++i)
    c = c << 6 | (static_cast<std::uint8_t>(text[i]) & 0x3FU);
  return c;
}

}  // namespace

const ColumnStatistics* PartStatistics::column(std::int32_t id) const {
  const auto it = std::ranges::lower_bound(columns, id, {}, &ColumnStatistics::id);
  return it == columns.end() || it->id != id ? nullptr : &*it;
}

std::optional<std::string> raised(std::string_view text) {
  constexpr char32_t kLast = 0x10FFFF;
  while (!text.empty()) {
    std::size_t last = text.size() - 1;
    while (last > 0 && (static_cast<std::uint8_t>(text[last]) & 0xC0) == 0x80) --last;
    const auto c = character_at(text, last);
    text = text.substr(0, last);
    if (c == kLast) continue;
    return std::string(text) + utf8(c + 1 == 0xD800 ? 0xE000 : c + 1);
  }
  return std::nullopt;
}

std::optional<Bounds> text_bounds(std::string_view least, std::string_view greatest) {
  if (!is_utf8(least) || !is_utf8(greatest) || greatest < least) return std::nullopt;
  const auto longest = std::max(least.size(), greatest.size());
  if (longest <= kCutBound || (least == greatest && longest <= kLongestBound))
    return Bounds{std::string(least), std::string(greatest), true};
  const auto cut = beginning(greatest);
  auto upper = cut.size() == greatest.size() ? std::optional(std::string(cut)) : raised(cut);
  if (!upper) return std::nullopt;
  return Bounds{std::string(beginning(least)), std::move(*upper), false};
}

std::string encode(const PartStatistics& statistics) {
  Writer out;
  out.byte(kVersion);
  out.byte(static_cast<std::uint8_t>(static_cast<unsigned>(statistics.timestamps) |
                                     (statistics.field_ids ? kFieldIds : 0U)));
  out.number(statistics.rows);
  out.number(statistics.row_groups.size());
  for (std::uint64_t former = 0; const auto offset : statistics.row_groups) {
    out.number(offset - former);
    former = offset;
  }
  out.number(statistics.columns.size());
  for (std::int32_t former = 0; const auto& column : statistics.columns) {
    write_column(column, former, out);
    former = column.id;
  }
  return out.take();
}

Result<PartStatistics> decode_part_statistics(std::string_view bytes) {
  Reader in(bytes);
  PartStatistics read;
  const auto version = in.byte();
  if (version > kVersion)
    return fail(ErrorCode::corrupt,
                "part statistics are of a newer version: use a newer valetkeyd");
  in.require(version == kVersion);
  const auto what = in.byte();
  in.require(what <= (kUnit | kFieldIds));
  read.timestamps = static_cast<TimestampUnit>(what & kUnit);
  read.field_ids = (what & kFieldIds) != 0;
  read.rows = in.number();
  read_row_groups(read, in);
  const auto count = in.number();
  in.require(count <= kMostColumns);
  if (in.sound()) read.columns.reserve(count);
  std::int32_t former = 0;
  for (std::uint64_t i = 0; in.sound() && i < count; ++i) {
    read_column(former, read.rows, in, read.columns.emplace_back());
    former = read.columns.back().id;
  }
  if (!in.done()) return fail(ErrorCode::corrupt, "part statistics are damaged");
  return read;
}

}  // namespace valetkey::layout
