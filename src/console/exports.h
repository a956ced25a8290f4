// SPDX-License-Identifier: Apache-2.0
// An account's export as pages show it: which days there are and whether they are complete, what is
// in one, links that fetch a part, and what the page for SQL needs. Thread-safe; every call blocks.
#pragma once

#include "access/credentials.h"
#include "api/options.h"
#include "console/call.h"
#include "console/start.h"
#include "control/audit.h"
#include "layout/partition.h"
#include "storage/export_figures.h"
#include "storage/object_store.h"

namespace valetkey::console {

class Exports {
 public:
  struct Parts {
    control::ControlStore& store;
    control::AuditLog& audit;
    storage::ObjectStore& objects;
    storage::ExportFigures* figures;  // null: there are none
    bool listed;                      // they cost listings of a foreign bucket
    access::CredentialIssuer& issuer;
    ReadExportTimes times;
  };
  Exports(Parts parts, const api::Options& options) : parts_(std::move(parts)), options_(options) {}
  Answer<Reply> days(const Call& call);
  Answer<Reply> day(const Call& call);        // ids: type, day
  Answer<Reply> day_parts(const Call& call);  // the same; ?partition=
  Answer<Reply> parts(const Call& call);      // ?type= &since= &until= &experiment= &event=
  Answer<Reply> link(const Call& call);       // {key}
  Answer<Reply> credentials(const Call& call);
  Answer<Reply> examples(const Call& call);

 private:
  Answer<storage::ExportFigures*> figures() const;
  Answer<access::Credentials> issue(const Call& call);
  struct Wanted {
    layout::RowType type;
    Date since{}, until{};
  };
  struct Selection {
    boost::json::array parts{};
    std::uint64_t bytes = 0;
    std::size_t listings = 0;  // that may still be asked for
  };
  // Up to the folder `last`.
  Answer<bool> collect(const Call& call, storage::ListQuery query, std::string_view last,
                       Selection& selected);
  Answer<bool> collect_value(const Call& call, const Wanted& wanted, const std::string& value,
                             Selection& selected);
  Answer<bool> collect_all(const Call& call, const Wanted& wanted, Selection& selected);
  Answer<bool> is_there(const Call& call, const std::string& key);

  Parts parts_;
  api::Options options_;
};

}  // namespace valetkey::console
