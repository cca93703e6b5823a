-- Takes back what limit.lua counted; see give_back in limits.rs. KEYS: a window each. ARGV: for each window until when it
-- was used up by that call, and what the call cost it, in microseconds.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i, key in ipairs(KEYS) do
  local left, advance = tonumber(ARGV[2 * i - 1]) - now, tonumber(ARGV[2 * i])
  local ahead = tonumber(redis.call('GET', key) or 0) - now - math.max(0, math.min(advance, left))
  if ahead > 0 then
    redis.call('SET', key, string.format('%.0f', now + ahead), 'PX', string.format('%.0f', math.ceil(ahead / 1000)))
  else
    redis.call('DEL', key)
  end
end
return 1
