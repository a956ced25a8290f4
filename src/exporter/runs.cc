// SPDX-License-Identifier: Apache-2.0
#include "exporter/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/ids.h"
#include "exporter/part_publisher.h"

namespace valetkey::exporter {
namespace {

constexpr std::string_view kMagic = "VKRUN001";
constexpr std::uint64_t kMostHeadBytes = std::uint64_t{256} << 20;

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// Reads little-endian numbers and bytes; has failed once it was asked for more than there is.
class HeadReader {
 public:
  explicit HeadReader(std::string_view bytes) : rest_(bytes) {}
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t value = 0;
    const auto from = text(bytes);
    for (std::size_t i = 0; i < from.size(); ++i)
      value |= std::uint64_t{static_cast<unsigned char>(from[i])} << (8 * i);
    return value;
  }
  std::string_view text(std::size_t bytes) {
    if (bytes > rest_.size()) {
      failed_ = true;
      return {};
    }
    const auto out = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return out;
  }
  bool failed() const { return failed_; }
  bool done() const { return !failed_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

std::unexpected<Error> malformed() {
  return fail(ErrorCode::corrupt, "a run of exported events is damaged; run check");
}

Result<RunOfAccount> read_account(HeadReader& in) {
  RunOfAccount out;
  out.account = in.text(in.number(1));
  out.bytes = in.number(4);
  out.events = static_cast<std::uint32_t>(in.number(4));
  const auto dropped = in.number(4);
  for (std::uint64_t i = 0; i < dropped && !in.failed(); ++i) {
    out.dropped.push_back(static_cast<std::uint32_t>(in.number(4)));
    if (i > 0 && out.dropped[i] <= out.dropped[i - 1]) return malformed();
  }
  if (in.failed() || !AccountId::parse(out.account) || out.events == 0 || out.bytes == 0)
    return malformed();
  return out;
}

}  // namespace

std::string run_key(unsigned partition, std::string_view batch) {
  return fmt::format("{}{}/{}", kRunsPrefix, partition, batch);
}

void RunBuilder::add(std::string_view account, std::string_view records,
                     const std::vector<bool>& kept) {
  if (std::ranges::none_of(kept, std::identity())) return;
  auto found = accounts_.find(account);
  if (found == accounts_.end()) found = accounts_.emplace(std::string(account), OfAccount()).first;
  auto& of = found->second;
  of.records.push_back(records);
  for (const bool keep : kept) {
    if (!keep) of.dropped.push_back(of.count);
    of.kept += keep ? 1 : 0;
    events_ += keep ? 1 : 0;
    ++of.count;
  }
}

Result<void> RunBuilder::write(const std::function<Result<void>(std::string_view)>& write) const {
  std::string head;
  for (const auto& [account, of] : accounts_) {
    std::uint64_t bytes = 0;
    for (const auto& records : of.records) bytes += records.size();
    put_number(head, account.size(), 1);
    head += account;
    put_number(head, bytes, 4);
    put_number(head, of.kept, 4);
    put_number(head, of.dropped.size(), 4);
    for (const auto number : of.dropped) put_number(head, number, 4);
  }
  std::string start(kMagic);
  put_number(start, head.size(), 8);
  VALETKEY_CHECK(write(start));
  VALETKEY_CHECK(write(head));
  for (const auto& [account, of] : accounts_)
    for (const auto& records : of.records) VALETKEY_CHECK(write(records));
  return {};
}

Result<std::uint64_t> run_head_bytes(std::string_view start) {
  HeadReader in(start);
  if (in.text(kMagic.size()) != kMagic) return malformed();
  const auto bytes = in.number(8);
  if (in.failed() || bytes > kMostHeadBytes) return malformed();
  return kRunStart + bytes;
}

Result<std::vector<RunOfAccount>> parse_run(std::string_view head, std::uint64_t size) {
  VALETKEY_TRY(const auto bytes, run_head_bytes(head.substr(0, kRunStart)));
  if (bytes != head.size() || bytes > size) return malformed();
  HeadReader in(head.substr(kRunStart));
  std::vector<RunOfAccount> accounts;
  for (auto offset = bytes; !in.done(); offset += accounts.back().bytes) {
    VALETKEY_TRY(auto of, read_account(in));
    if (of.bytes > size - offset) return malformed();
    if (!accounts.empty() && of.account <= accounts.back().account) return malformed();
    of.offset = offset;
    accounts.push_back(std::move(of));
  }
  const auto end = accounts.empty() ? bytes : accounts.back().offset + accounts.back().bytes;
  if (end != size) return malformed();
  return accounts;
}

Result<std::vector<RunOfAccount>> read_run(storage::ObjectReader& reader) {
  const auto size = reader.info().size;
  if (size < kRunStart) return malformed();
  std::string head(kRunStart, '\0');
  VALETKEY_CHECK(read_object_exactly(reader, 0, head));
  VALETKEY_TRY(const auto bytes, run_head_bytes(head));
  if (bytes > size) return malformed();
  head.resize(bytes);
  VALETKEY_CHECK(read_object_exactly(reader, 0, head));
  return parse_run(head, size);
}

Result<void> append_records(storage::ObjectReader& reader, const RunOfAccount& of,
                            std::string& records) {
  std::string block(of.bytes, '\0');
  VALETKEY_CHECK(read_object_exactly(reader, of.offset, block));
  records += block;
  return {};
}

}  // namespace valetkey::exporter
