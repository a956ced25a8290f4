// SPDX-License-Identifier: Apache-2.0
// Where events go in a log of several partitions. Pure. The places of events that wait, and the lists of uuids that
// were exported, hang on it: a change of the function is a change of the format.
#pragma once

#include <string_view>

namespace valetkey::events {

// Whose events they are: equal routes meet in one partition, and so do equal uuids.
struct Route {
  std::string_view account;
  std::string_view visitor;  // of the first event; a request that is sent again has the same
};

// One of `partitions`. The visitors of an account are spread over at most `spread` of them; 1: all meet in one.
unsigned partition_of(const Route& route, unsigned partitions, unsigned spread);

}  // namespace valetkey::events
