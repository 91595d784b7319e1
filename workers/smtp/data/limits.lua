-- The limits of `workers/smtp/limits.py`, shared by all workers: KEYS are state, places, who shares them.
local state, places, who = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000

local function keep()
    for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, 7200) end
end

if ARGV[1] == 'take' then
    local per_second, burst, at_once = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
    local want, place, process = tonumber(ARGV[5]), ARGV[6], ARGV[7]
    local own, lease = tonumber(ARGV[8]), tonumber(ARGV[9])
    local found = redis.call('HMGET', state, 'tokens', 'at', 'slow', 'paused_until')
    local paused_until = tonumber(found[4] or '0')
    if paused_until > now then return tostring(paused_until - now) end
    local slow = tonumber(found[3] or '0')
    if slow > 0 and (at_once == 0 or slow < at_once) then at_once = slow end
    if place ~= '' and at_once > 0 then
        redis.call('ZREMRANGEBYSCORE', places, '-inf', now)
        local share = at_once
        if own >= 0 then
            redis.call('ZADD', who, now + lease, process)
            redis.call('ZREMRANGEBYSCORE', who, '-inf', now)
            share = math.ceil(at_once / redis.call('ZCARD', who))
        end
        if redis.call('ZCARD', places) >= at_once or own >= share then keep() return '0.05' end
    end
    if per_second > 0 then
        local tokens = burst
        if found[2] then tokens = math.min(burst, tonumber(found[1]) + (now - tonumber(found[2])) * per_second) end
        local missing = want - tokens
        if missing <= 0 then tokens = tokens - want end
        redis.call('HSET', state, 'tokens', tostring(tokens), 'at', string.format('%.6f', now))
        keep()
        if missing > 0 then return tostring(missing / per_second) end
    end
    if place ~= '' then redis.call('ZADD', places, now + lease, place) end
    keep()
    return '0'
elseif ARGV[1] == 'give' then
    redis.call('ZREM', places, ARGV[2])
    local slow = tonumber(redis.call('HGET', state, 'slow') or '0')
    if ARGV[3] == '1' and slow > 0 then
        if slow + 1 >= tonumber(ARGV[4]) then redis.call('HDEL', state, 'slow')
        else redis.call('HSET', state, 'slow', slow + 1) end
    end
elseif ARGV[1] == 'slow_down' then
    redis.call('HSET', state, 'paused_until', string.format('%.6f', now + tonumber(ARGV[2])), 'slow', 1)
elseif ARGV[1] == 'renew' then
    local lease = tonumber(ARGV[3])
    for at = 4, #ARGV do redis.call('ZADD', places, now + lease, ARGV[at]) end
    if #ARGV >= 4 then redis.call('ZADD', who, now + lease, ARGV[2]) else redis.call('ZREM', who, ARGV[2]) end
    redis.call('ZREMRANGEBYSCORE', who, '-inf', now)
    keep()
    return tostring(redis.call('ZCARD', who))
end
keep()
return '0'
