-- A token on every request, the paths in turn (PATHS, a line each), a pause before each of PAUSE ms on average if there is
-- one, and one line of JSON at the end.
wrk.headers["Authorization"] = "Bearer " .. os.getenv("TOKEN")

local paths, at = {}, 0
for path in os.getenv("PATHS"):gmatch("[^\n]+") do
  paths[#paths + 1] = path
end

function request()
  at = at % #paths + 1
  return wrk.format("GET", paths[at])
end

local pause = tonumber(os.getenv("PAUSE") or "0")
if pause > 0 then
  -- Clients that pause equally long would go on asking all at once.
  function delay()
    return math.random(math.floor(pause / 2), math.floor(pause * 1.5))
  end
end

function done(summary, latency)
  local failed = summary.errors
  io.write(string.format(
    'SUMMARY {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed.status,
    failed.connect + failed.read + failed.write + failed.timeout))
end
