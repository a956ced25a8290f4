// SPDX-License-Identifier: Apache-2.0
// Waiting for a turn, on a loop.
#pragma once

#include "http/async.h"
#include "limits/turns.h"

namespace valetkey::api {

using limits::Turns;

// Takes `turn` as soon as one is free; false after 5 s without. `turns` outlives the wait.
http::Task<bool> wait_for(Turns& turns, Turns::Turn& turn);

}  // namespace valetkey::api
