-- SPDX-License-Identifier: Apache-2.0
-- wrk sends the requests of the file $BENCH_REQUESTS in turn: a line each, path and headers between tabs. Prints
-- one line of JSON. Signed requests are signed beforehand: within 15 minutes a signature may be used again.
local requests, turn = {}, 0

function init(_)
  for line in io.lines(os.getenv("BENCH_REQUESTS")) do
    local path, headers = nil, {}
    for part in line:gmatch("[^\t]+") do
      if path == nil then path = part else
        local name, value = part:match("^([^:]+): (.*)$")
        headers[name] = value
      end
    end
    requests[#requests + 1] = wrk.format("GET", path, headers)
  end
end

function request()
  turn = turn % #requests + 1
  return requests[turn]
end

function done(summary, latency, _)
  local e = summary.errors
  io.write(string.format('\n{"requests":%d,"seconds":%.6f,"errors":%d,"bytes":%d,"p50_ms":%.4f,"p99_ms":%.4f}\n',
    summary.requests, summary.duration / 1e6, e.connect + e.read + e.write + e.status + e.timeout, summary.bytes,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
