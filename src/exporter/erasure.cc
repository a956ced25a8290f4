// SPDX-License-Identifier: Apache-2.0
#include "exporter/erasure.h"

#include "base/crypto.h"
#include "base/log.h"
#include "exporter/internal/scratch.h"
#include "exporter/merges.h"
#include "exporter/part_publisher.h"
#include "layout/part_key.h"

namespace valetkey::exporter {
namespace {

constexpr std::size_t kSha256Digits = 64;
constexpr std::chrono::days kAfterAllReaders{30};

Result<std::string> read_object(storage::ObjectStore& store, const std::string& key) {
  VALETKEY_TRY(const auto reader, store.open(key));
  std::string bytes(reader->info().size, '\0');
  VALETKEY_CHECK(read_object_exactly(*reader, 0, bytes));
  return bytes;
}

}  // namespace

Result<void> Erasure::carry_out(const PurgeAccount& purge_account) {
  while (true) {
    VALETKEY_TRY(const auto asked, parts_.ledger.next_erasure());
    if (!asked) return {};
    VALETKEY_TRY(const auto account, AccountId::parse(asked->account));
    VALETKEY_TRY(const bool ready, is_ready(account, asked->visitor_sha256));
    if (!ready) return {};
    VALETKEY_CHECK(asked->visitor_sha256.empty() ? carry_out_purge(*asked, account, purge_account)
                                                 : carry_out_visitor(*asked, account));
  }
}

Result<void> Erasure::carry_out_visitor(const AskedErasure& asked, const AccountId& account) {
  VALETKEY_TRY(const auto lease, parts_.lease(kDays));
  const auto note = [&](const std::string& key, std::uint64_t rows) {
    return parts_.ledger.note_erased(lease, asked.id, key, rows);
  };
  VALETKEY_TRY(const auto unreadable, erase_visitor(account, asked.visitor_sha256, note));
  VALETKEY_CHECK(parts_.store.sweep(parts_.clock.now() + kAfterAllReaders));
  VALETKEY_CHECK(parts_.ledger.finish_erasure(lease, asked.id, unreadable));
  log::info("exporter", "erased a visitor",
            {{"account", asked.account}, {"unreadable", unreadable.size()}});
  return {};
}

Result<void> Erasure::carry_out_purge(const AskedErasure& asked, const AccountId& account,
                                      const PurgeAccount& purge_account) {
  VALETKEY_TRY(const auto lease, parts_.lease(kDays));
  auto purged = purge_account(account);
  if (!purged && purged.error().code != ErrorCode::denied) return purged;
  if (!purged) {  // not deleted after all: a restored control store, say
    log::error("exporter", "an account is not purged", {{"why", purged.error().detail}});
    settling_.forget();
    return parts_.ledger.finish_erasure(lease, asked.id, {});
  }
  VALETKEY_TRY(const auto unreadable, erase_account(account));
  VALETKEY_CHECK(parts_.store.sweep(parts_.clock.now() + kAfterAllReaders));
  VALETKEY_CHECK(parts_.ledger.forget_account(lease, asked.account, asked.id));
  VALETKEY_CHECK(parts_.ledger.finish_erasure(lease, asked.id, unreadable));
  log::info("exporter", "purged an account",
            {{"account", asked.account}, {"unreadable", unreadable.size()}});
  return {};
}

Result<std::vector<std::string>> Erasure::erase_visitor(const AccountId& account,
                                                        std::string_view visitor_sha256,
                                                        const NoteErased& note) {
  if (visitor_sha256.size() != kSha256Digits)
    return fail(ErrorCode::invalid, "a visitor is erased by the SHA-256 of its id");
  VALETKEY_CHECK(check_ready(account, visitor_sha256));
  VALETKEY_CHECK(settle_merges(parts_, Date::max()));
  UnderWay erasing{account, visitor_sha256, note, {}, {}};
  for (const auto type : {layout::RowType::decisions, layout::RowType::events})
    VALETKEY_CHECK(erase_from_parts(type, erasing));
  VALETKEY_CHECK(erase_set_aside(
      [&](const events::Event& event) {
        return event.account_id == account.str() && sha256_hex(event.visitor_id) == visitor_sha256;
      },
      erasing.unreadable));
  for (const auto& key : erasing.unreadable)
    log::error("exporter", "an object that may hold an erased visitor cannot be read",
               {{"object", key}});
  settling_.forget();
  return std::move(erasing.unreadable);
}

Result<std::vector<std::string>> Erasure::erase_account(const AccountId& account) {
  VALETKEY_CHECK(check_ready(account, ""));
  VALETKEY_CHECK(settle_merges(parts_, Date::max()));
  std::vector<std::string> gone;
  VALETKEY_CHECK(for_each_object(parts_.store, layout::account_prefix(account),
                                 [&](const storage::ObjectInfo& info) -> Result<void> {
                                   gone.push_back(info.key);
                                   return {};
                                 }));
  VALETKEY_CHECK(remove_objects(parts_.store, std::move(gone), account.str()));
  std::vector<std::string> unreadable;
  VALETKEY_CHECK(erase_set_aside(
      [&](const events::Event& event) { return event.account_id == account.str(); }, unreadable));
  settling_.forget();
  return unreadable;
}

// And leaves nothing of it in the log: a segment that is being written would stay until it is full.
Result<bool> Erasure::is_ready(const AccountId& account, std::string_view visitor_sha256) {
  VALETKEY_CHECK(parts_.log.rotate());
  VALETKEY_TRY(const bool settled,
               settling_.settled(account.str() + "/" + std::string(visitor_sha256), std::nullopt));
  if (!settled) return false;
  for (unsigned partition = 0; partition < parts_.log.partitions(); ++partition) {
    VALETKEY_TRY(const auto consumed, parts_.ledger.consumed(partition));
    VALETKEY_CHECK(parts_.log.release(partition, consumed));
  }
  // What had arrived is in parts by now: runs that hold it once more must go.
  VALETKEY_CHECK(batches_.remove_stray_runs());
  return true;
}

Result<void> Erasure::check_ready(const AccountId& account, std::string_view visitor_sha256) {
  VALETKEY_TRY(const bool ready, is_ready(account, visitor_sha256));
  if (ready) return {};
  return fail(ErrorCode::unavailable,
              "what had arrived before the erasure is not exported yet; it goes on by itself");
}

Result<void> Erasure::erase_from_parts(layout::RowType type, UnderWay& erasing) {
  // As it is: what is erased is not listed as it was, not even here.
  return for_each_object(
      parts_.store, layout::type_prefix(erasing.account, type),
      [&](const storage::ObjectInfo& info) -> Result<void> {
        if (!is_part(info.key) || erasing.rewritten.contains(info.key)) return {};
        return erase_from_part(type, info, erasing);
      },
      Listing::as_it_is);
}

Result<void> Erasure::erase_from_part(layout::RowType type, const storage::ObjectInfo& part,
                                      UnderWay& erasing) {
  VALETKEY_TRY(auto* const parquet, parts_.writer());
  Scratch scratch;
  const auto file = scratch.add(parquet->make_path());
  if (auto fetched = fetch_object(parts_.store, part.key, file); !fetched) {
    if (fetched.error().code != ErrorCode::corrupt) return fetched;
    erasing.unreadable.push_back(part.key);
    return {};
  }
  VALETKEY_TRY(const auto rest, without_visitor(type, file, erasing.visitor_sha256));
  if (!rest) {
    erasing.unreadable.push_back(part.key);
    return {};
  }
  scratch.add(rest->path);
  VALETKEY_TRY(const auto rows, rows_of(part, file));
  if (rest->rows == rows) return {};
  VALETKEY_CHECK(erasing.note(part.key, rows - rest->rows));
  const auto key = successor_key(part.key.substr(0, part.key.rfind('/') + 1),
                                 "erased " + part.key + " " + part.etag);
  PartPublisher publisher(parts_.store, parts_.clock.now());
  VALETKEY_CHECK(publisher.erase(erasing.account, part.key, key, *rest));
  erasing.rewritten.insert(key);
  return {};
}

// Nothing: DuckDB cannot read this part. An error: it is the disk, or DuckDB itself.
Result<std::optional<ParquetFile>> Erasure::without_visitor(layout::RowType type,
                                                            const std::filesystem::path& file,
                                                            std::string_view visitor_sha256) {
  VALETKEY_TRY(auto* const parquet, parts_.writer());
  auto rest = parquet->merge(type, {file}, visitor_sha256);
  if (rest) return std::optional(std::move(*rest));
  log::warn("exporter", "a part could not be rewritten", {{"reason", rest.error().detail}});
  parts_.drop_writer();  // a failure may have spoiled the instance; this removes `file`, too
  VALETKEY_TRY(auto* const probe, parts_.writer());
  VALETKEY_CHECK(probe->write_sample());
  return std::nullopt;
}

// Rows that could not be written rest as the records they were.
Result<void> Erasure::erase_set_aside(const std::function<bool(const events::Event&)>& wanted,
                                      std::vector<std::string>& unreadable) {
  std::vector<std::string> gone;
  VALETKEY_CHECK(for_each_object(parts_.store, std::string(kSetAsidePrefix),
                                 [&](const storage::ObjectInfo& info) -> Result<void> {
                                   auto record = read_object(parts_.store, info.key);
                                   if (!record && record.error().code != ErrorCode::corrupt)
                                     return std::unexpected(record.error());
                                   if (!record) {
                                     unreadable.push_back(info.key);
                                     return {};
                                   }
                                   events::Event event;
                                   std::size_t at = 0;
                                   if (events::decode_event(*record, at, event) && wanted(event))
                                     gone.push_back(info.key);
                                   return {};
                                 }));
  return remove_objects(parts_.store, std::move(gone));
}

}  // namespace valetkey::exporter
