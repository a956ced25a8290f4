// SPDX-License-Identifier: Apache-2.0
// What accounts use, for bills, and when tokens were last used: added in memory on the request path,
// written to the control store in batches. What cannot be written is kept and written later; a
// process that is killed loses what it had not written. Thread-safe.
#pragma once

#include <memory>

#include "access/credentials.h"
#include "access/sightings.h"
#include "base/steady_clock.h"
#include "control/control_store.h"
#include "http/message.h"

namespace valetkey::access {

class Usage {
 public:
  // Accounts are written every `period`; a token's last use when it is first seen, and then once a
  // minute at most.
  explicit Usage(control::ControlStore& store, milliseconds period = std::chrono::seconds(5),
                 const SteadyClock& steady = SteadyClock::system());
  ~Usage();  // stop()
  void start();
  void stop();  // writes everything
  // Writes everything that was counted so far; blocks.
  Result<void> flush();

  // None of these blocks on the disk.
  // The token bought credentials.
  void exchanged(const control::TokenGrant& grant, Timestamp now, const http::Address& client);
  // A session of it had a request answered with so many bytes; `sight`: of what is looked out for.
  void served(const Claims& session, Timestamp now, const http::Address& client,
              std::uint64_t bytes, std::optional<Sight> sight = {});
  // More bytes of an answer that was begun at `begun`.
  void sent(const Claims& session, Timestamp begun, std::uint64_t bytes);
  // The account's events were taken in.
  void received(const AccountId& account, Timestamp now, std::uint64_t events, std::uint64_t bytes);

  const Sightings& sightings() const { return sightings_; }

 private:
  struct State;
  std::unique_ptr<State> state_;
  Sightings sightings_;
};

// Of one token's last uses that wait to be written; beyond it the rest of them is forgotten.
inline constexpr std::size_t kMaxWaitingUses = 65'536;

}  // namespace valetkey::access
