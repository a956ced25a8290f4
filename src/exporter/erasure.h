// SPDX-License-Identifier: Apache-2.0
// The erasures that the ledger is asked for, of a visitor or of everything of an account: what waits is exported first
// and the log freed of it, parts are rewritten under new keys and the former ones removed, rows that were set aside go.
// Any step may be interrupted; a repetition begins again. For one thread at a time.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "exporter/batches.h"
#include "exporter/export_parts.h"
#include "exporter/ledger.h"
#include "exporter/settling.h"

namespace valetkey::exporter {

class Erasure {
 public:
  Erasure(ExportParts& parts, Batches& batches) : parts_(parts), batches_(batches) {}
  // Whether what arrived before the first call for this visitor (empty: for the account) lies in the export, and nobody
  // can write it again. Exports what it can; one node alone is ready at once.
  Result<bool> is_ready(const AccountId& account, std::string_view visitor_sha256);
  // Called for each part before it is rewritten, with the number of rows that it loses.
  using NoteErased = std::function<Result<void>(const std::string& key, std::uint64_t rows)>;
  // Rewrites the parts that hold rows of the visitor whose id has this SHA-256 (hex), under new keys, so that no
  // reader who knows the former one takes bytes of both; where the store cannot exchange them at once, under the same
  // keys. Exports what waits first and frees the log of it; removes what was set aside of the
  // visitor. Goes on behind what is damaged, and returns its keys. `unavailable`: not yet, see is_ready().
  Result<std::vector<std::string>> erase_visitor(const AccountId& account,
                                                 std::string_view visitor_sha256,
                                                 const NoteErased& note);
  // Removes everything of the account: what waits (it is exported first, and the log freed of it),
  // its parts and what was set aside. Returns the keys of what was set aside and cannot be read, so
  // that nobody knows whose it is.
  Result<std::vector<std::string>> erase_account(const AccountId& account);

  // Removes what else is known of a deleted account. `denied`: it is not deleted after all.
  using PurgeAccount = std::function<Result<void>(const AccountId& account)>;
  // Carries out what `account erase-visitor` and `account delete --purge` asked the ledger for, the oldest first, and
  // removes replaced parts that could still be read for hours. Ends before one that is not ready.
  Result<void> carry_out(const PurgeAccount& purge_account);

 private:
  struct UnderWay {
    const AccountId& account;
    std::string_view visitor_sha256;
    const NoteErased& note;
    std::vector<std::string> unreadable;
    std::set<std::string> rewritten;  // keys of this erasure
  };
  Result<void> carry_out_visitor(const AskedErasure& asked, const AccountId& account);
  // In an order that can begin again at any point.
  Result<void> carry_out_purge(const AskedErasure& asked, const AccountId& account,
                               const PurgeAccount& purge_account);
  Result<void> check_ready(const AccountId& account, std::string_view visitor_sha256);
  Result<void> erase_from_parts(layout::RowType type, UnderWay& erasing);
  Result<void> erase_from_part(layout::RowType type, const storage::ObjectInfo& part,
                               UnderWay& erasing);
  Result<std::optional<ParquetFile>> without_visitor(layout::RowType type,
                                                     const std::filesystem::path& file,
                                                     std::string_view visitor_sha256);
  // Of the events that `wanted` takes.
  Result<void> erase_set_aside(const std::function<bool(const events::Event&)>& wanted,
                               std::vector<std::string>& unreadable);
  ExportParts& parts_;
  Batches& batches_;
  Settling settling_{parts_, batches_};
};

}  // namespace valetkey::exporter
