-- Decides limits, all or none; see limit.rs. KEYS: a window each. ARGV: for each window its capacity and what the call
-- costs it, in microseconds. Answers 1 or 0, the time, then how far ahead of it each window was used up before the call.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer = { 1, now }
for i, key in ipairs(KEYS) do
  local capacity, advance = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local ahead = tonumber(redis.call('GET', key) or 0) - now
  ahead = math.max(0, math.min(ahead, capacity))
  if ahead + advance > capacity then answer[1] = 0 end
  answer[i + 2] = ahead
end
if answer[1] == 1 then
  for i, key in ipairs(KEYS) do
    local ahead = answer[i + 2] + tonumber(ARGV[2 * i])
    if ahead > 0 then
      redis.call('SET', key, string.format('%.0f', now + ahead), 'PX', string.format('%.0f', math.ceil(ahead / 1000)))
    end
  end
end
return answer
