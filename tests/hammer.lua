-- For wrk, by soak.py: posts the body in the file BODY with the login LOGIN, each connection every PAUSE_MS, and counts what comes: answers with
-- the digits DIGITS, answers that say busy, and others.
local file = assert(io.open(os.getenv("BODY"), "rb"))
wrk.body = file:read("*a")
file:close()
wrk.method = "POST"
wrk.headers["Content-Type"] = "text/xml; charset=utf-8"
wrk.headers["Authorization"] = os.getenv("LOGIN")
local digits, pause = ">" .. os.getenv("DIGITS") .. "<", tonumber(os.getenv("PAUSE_MS"))
right, busy, other = 0, 0, 0

function setup(t)
	thread = t
end

function delay()
	return pause
end

function response(status, headers, text)
	if status == 200 and text:find(digits, 1, true) then
		right = right + 1
	elseif text:find("ErrorServerBusy", 1, true) then
		busy = busy + 1
	else
		other = other + 1
	end
end

function done(summary)
	local e = summary.errors
	io.write(string.format("RESULT %d %d %d %d\n", thread:get("right"), thread:get("busy"), thread:get("other"), e.connect + e.read + e.write + e.timeout))
end
