-- Replaces a value when it is the expected one. KEYS: value. ARGV: expected, new, milliseconds to live.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
