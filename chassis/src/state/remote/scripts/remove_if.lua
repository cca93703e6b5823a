-- Removes a value when it is the expected one. KEYS: value or lease. ARGV: expected.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
