// SPDX-License-Identifier: Apache-2.0
#include "exporter/runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "base/crypto.h"
#include "base/ids.h"
#include "events/event.h"
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
  return fail(ErrorCode::corrupt, "a run of events is malformed");
}

// What fails for the moment is no reason to give a run up.
std::unexpected<Error> unreadable(const std::string& key, Error why) {
  if (why.code != ErrorCode::corrupt && why.code != ErrorCode::not_found)
    return std::unexpected(std::move(why));
  return fail(ErrorCode::corrupt,
              key +
                  ", a run of events that wait, cannot be read: restore it from a backup or give "
                  "it up with valetkeyd check --repair");
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

Result<std::uint64_t> store_run(storage::ObjectStore& store, const std::string& key,
                                const RunBuilder& builder, Timestamp now) {
  VALETKEY_TRY(const auto writer, store.create(key, now));
  std::uint64_t bytes = 0;
  VALETKEY_CHECK(builder.write([&](std::string_view piece) {
    bytes += piece.size();
    return writer->write(piece);
  }));
  storage::Publication publication;
  VALETKEY_TRY(auto staged, writer->finish(std::nullopt));
  publication.add.push_back(std::move(staged));
  VALETKEY_CHECK(store.publish(std::move(publication)));
  return bytes;
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

namespace {

Result<std::string> read_head(storage::ObjectReader& reader) {
  const auto size = reader.info().size;
  if (size < kRunStart) return malformed();
  std::string head(kRunStart, '\0');
  VALETKEY_CHECK(read_object_exactly(reader, 0, head));
  VALETKEY_TRY(const auto bytes, run_head_bytes(head));
  if (bytes > size) return malformed();
  head.resize(bytes);
  VALETKEY_CHECK(read_object_exactly(reader, 0, head));
  return head;
}

Result<void> walk(std::string_view records, std::size_t at, const RunOfAccount& of,
                  const EachRecord& each) {
  std::uint32_t kept = 0;
  for (std::uint32_t number = 0; at < records.size(); ++number) {
    const auto place = at;
    VALETKEY_CHECK(events::skip_events(records, at, 1));
    const bool keep = !std::ranges::binary_search(of.dropped, number);
    kept += keep ? 1 : 0;
    VALETKEY_CHECK(each(place, keep));
  }
  if (kept == of.events) return {};
  return malformed();
}

}  // namespace

Result<std::unique_ptr<storage::ObjectReader>> open_run(storage::ObjectStore& store,
                                                        const std::string& key) {
  auto reader = store.open(key);
  return reader ? std::move(reader) : unreadable(key, reader.error());
}

Result<std::vector<RunOfAccount>> read_run(storage::ObjectReader& reader) {
  const auto& key = reader.info().key;
  const auto head = read_head(reader);
  if (!head) return unreadable(key, head.error());
  auto accounts = parse_run(*head, reader.info().size);
  return accounts ? std::move(accounts) : unreadable(key, accounts.error());
}

Result<void> read_records(storage::ObjectReader& reader, const RunOfAccount& of,
                          std::string& records, const EachRecord& each) {
  const auto begin = records.size();
  records.resize(begin + of.bytes);
  auto read = read_object_exactly(reader, of.offset, std::span(records).subspan(begin));
  if (read) read = walk(records, begin, of, each);
  return read ? std::move(read) : unreadable(reader.info().key, read.error());
}

Result<RunCondition> look_at_run(storage::ObjectReader& reader) {
  VALETKEY_TRY(auto accounts, read_run(reader));
  VALETKEY_TRY(const auto head, read_head(reader));
  auto sum = crc32(0, head);
  RunCondition found;
  for (auto& of : accounts) {
    std::string records;
    events::Event event;
    const auto decode = [&](std::size_t place, bool) -> Result<void> {
      VALETKEY_CHECK(events::decode_event(records, place, event));
      return event.account_id == of.account ? Result<void>() : malformed();
    };
    const auto read = read_records(reader, of, records, decode);
    if (!read && read.error().code != ErrorCode::corrupt) return std::unexpected(read.error());
    sum = crc32(sum, records);
    (read ? found.sound : found.lost).push_back(std::move(of));
  }
  const auto written = reader.info().crc32;
  if (found.lost.empty() && written && sum != *written) std::swap(found.sound, found.lost);
  return found;
}

}  // namespace valetkey::exporter
