-- KEYS: buckets. ARGV: for each its window and what a request costs, in milliseconds. Counts one request in each bucket that
-- has room for it, and returns how full each was before, in milliseconds. The clock is this server's: those of its callers
-- may differ. The decision is the one of service/limits.rs.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local filled = {}
for i, key in ipairs(KEYS) do
  local window, cost = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local empty_at = math.max(tonumber(redis.call('GET', key) or now), now)
  filled[i] = empty_at - now
  if filled[i] + cost <= window then
    local next = string.format('%.0f', empty_at + cost)
    redis.call('SET', key, next, 'PX', string.format('%.0f', filled[i] + cost))
  end
end
return filled
