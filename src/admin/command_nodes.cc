// SPDX-License-Identifier: Apache-2.0
// `valetkeyd nodes`: which nodes share the export, what each does, and how much waits for it.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "admin/engines.h"
#include "admin/export_wiring.h"
#include "admin/internal/commands.h"
#include "events/file_log.h"
#include "terminal/table.h"

namespace valetkey::admin {
namespace {

namespace json = boost::json;
using exporter::NodeState;
using exporter::Work;

struct WorkState {
  Work work = 0;
  std::string node;                      // its name; empty: nobody's
  std::uint64_t epoch = 0;               // how often an exporter began with it
  std::optional<std::uint64_t> waiting;  // events
};

struct Overview {
  std::vector<NodeState> nodes;
  std::vector<WorkState> works;
  std::string problem;  // why nobody can tell what waits; empty: it is told
};

Result<std::optional<std::uint64_t>> waiting_of(exporter::Ledger& ledger,
                                                const events::EventLog& topic, Work work) {
  if (work == exporter::kDays) return std::nullopt;
  const auto partition = static_cast<unsigned>(work);
  VALETKEY_TRY(const auto consumed, ledger.consumed(partition));
  VALETKEY_TRY(const auto stats, topic.stats(partition - events::kFilePartitions));
  return stats.end - std::min(stats.end, consumed);
}

Result<Overview> read_overview(const CommandContext& context) {
  VALETKEY_TRY(const Engines engines, context.engines());
  VALETKEY_TRY(const auto owners, engines.databases().open_owners());
  if (!owners)
    return fail(ErrorCode::invalid,
                "this installation has one node; several share [control] kind = \"postgresql\", "
                "[events] kind = \"kafka\" and [objects] kind = \"s3\"");
  VALETKEY_TRY(const auto ledger, engines.databases().open_ledger());
  const auto topic = engines.open_topic();
  Overview out;
  if (!topic) out.problem = topic.error().detail;
  VALETKEY_TRY(out.nodes, owners->nodes());
  VALETKEY_TRY(const auto leases, ledger->leases());
  std::map<Work, std::uint64_t> epochs;
  for (const auto& lease : leases) epochs[lease.work] = lease.epoch;
  for (const Work work : shared_works(static_cast<unsigned>(engines.config().events.partitions))) {
    WorkState state{.work = work, .node = {}, .epoch = epochs[work], .waiting = {}};
    for (const auto& node : out.nodes)
      if (std::ranges::find(node.works, work) != node.works.end()) state.node = node.name;
    if (topic) {
      VALETKEY_TRY(state.waiting, waiting_of(*ledger, **topic, work));
    }
    out.works.push_back(std::move(state));
  }
  return out;
}

std::string name_of(Work work) {
  return work == exporter::kDays ? "days" : std::to_string(work - events::kFilePartitions);
}

const char* state_of(const exporter::NodeState& node) {
  if (!node.alive) return "gone";
  return node.fit ? "alive" : "failing";
}

json::object document_of(const Overview& overview) {
  json::array nodes, works;
  for (const auto& node : overview.nodes)
    nodes.push_back({{"id", node.id},
                     {"name", node.name},
                     {"version", node.version},
                     {"started", format_iso8601(node.started)},
                     {"seen", format_iso8601(node.seen)},
                     {"alive", node.alive},
                     {"state", state_of(node)},
                     {"works", node.works.size()}});
  for (const auto& work : overview.works)
    works.push_back(
        {{"work", name_of(work.work)},
         {"node", work.node.empty() ? json::value(nullptr) : json::value(work.node)},
         {"epoch", work.epoch},
         {"waiting", work.waiting ? json::value(*work.waiting) : json::value(nullptr)}});
  return {
      {"nodes", std::move(nodes)},
      {"works", std::move(works)},
      {"problem", overview.problem.empty() ? json::value(nullptr) : json::value(overview.problem)}};
}

void print(const CommandContext& context, const Overview& overview) {
  terminal::Table nodes({"NODE", "VERSION", "STARTED", "SEEN", "STATE", "WORKS"});
  for (const auto& node : overview.nodes)
    nodes.row({node.name, node.version, format_iso8601(node.started), format_iso8601(node.seen),
               state_of(node), std::to_string(node.works.size())});
  if (nodes.empty()) {
    context.out << "No node has run yet: `valetkeyd serve` starts one.\n";
    return;
  }
  nodes.print(context.out);
  context.out << "\n";
  terminal::Table works({"PARTITION", "NODE", "EPOCH", "MESSAGES WAITING"});
  for (const auto& work : overview.works)
    works.row({name_of(work.work), work.node.empty() ? "-" : work.node, std::to_string(work.epoch),
               work.waiting ? std::to_string(*work.waiting) : "-"});
  works.print(context.out);
  if (!overview.problem.empty())
    context.out << "\nEvents are neither taken nor exported: " << overview.problem << "\n";
}

}  // namespace

Result<int> nodes(CommandContext& context) {
  VALETKEY_TRY(const Overview overview, read_overview(context));
  if (context.json)
    context.print(document_of(overview));
  else
    print(context, overview);
  return 0;
}

}  // namespace valetkey::admin
