// SPDX-License-Identifier: Apache-2.0
// Which of several nodes does which work of the export, where they share a ledger: one row a work, owned for a while and
// renewed. Owners decides who should work, so that a dead node's work is taken up and no two nodes do the same; that a
// node which lost its work unnoticed changes nothing any more, is the ledger's doing (Lease). The form for several nodes
// is postgres_owners; one node alone owns everything (OwnsAll). docs/decisions/0025; suite: testing/owners_conformance.h.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "exporter/ledger.h"

namespace valetkey::exporter {

// What a work is owned for. A node renews every kOwnershipRenewed, and trusts in what it owns for half of this time.
inline constexpr std::chrono::seconds kOwnershipLasts{30};
inline constexpr std::chrono::seconds kOwnershipRenewed{5};

// For the exporter of a node. Thread-safe, cheap enough for each step.
class Ownership {
 public:
  virtual ~Ownership() = default;
  // False as soon as it cannot be sure.
  virtual bool holds(Work work) const = 0;
};

class OwnsAll final : public Ownership {
 public:
  bool holds(Work) const override { return true; }
};

struct NodeState {
  std::string id;    // of its data folder
  std::string name;  // for people: where it runs
  std::string version;
  Timestamp started, seen;
  bool alive = false;
  bool fit = true;  // false: its exports fail, and others should do its work
  std::vector<Work> works{};
};

class Owners {
 public:
  virtual ~Owners() = default;
  struct Share {
    std::vector<Work> works;  // owned by this node for kOwnershipLasts from now on
    std::size_t most = 0;     // its fair part: what it owns above should be given up
  };
  // The node lives. Keeps what it owns, but for `given_up`; takes works that nobody owns until it has its fair part.
  virtual Result<Share> renew(const NodeState& self, const std::vector<Work>& all,
                              const std::vector<Work>& given_up) = 0;
  // The node ends: what it owns is free at once.
  virtual Result<void> leave(const std::string& node) = 0;
  virtual Result<std::vector<NodeState>> nodes() = 0;  // of the last day, by name and start
};

// The fair part of a node: works divided by the nodes that can do them, rounded up. Where none can, each goes on trying.
std::size_t fair_part(std::size_t works, std::size_t alive, std::size_t fit, bool is_fit);

}  // namespace valetkey::exporter
