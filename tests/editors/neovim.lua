-- Runs one scenario in a real Neovim and reports by exit status; see test_neovim.py.
--
-- A scenario is a file that returns a function of the session below. It works on a workspace of its own (the current
-- directory) and fails by raising. Nothing sleeps: `wait` lets Neovim handle events until a condition holds.

local session = {}

local PATIENCE = 20 * 1000 -- milliseconds until a condition that never holds is a failure

--- Set the server up as the README says; `overrides` are added to the configuration.
function session.start(overrides)
  local config = {
    cmd = vim.json.decode(vim.env.KSCAN_COMMAND),
    filetypes = { 'yaml', 'json', 'helm' },
    root_markers = { '.kscan.yaml', '.git' },
  }
  vim.lsp.config('kscan', vim.tbl_deep_extend('force', config, overrides or {}))
  vim.lsp.enable('kscan')
end

--- Write a file of the workspace, open it and return its buffer.
function session.open(name, text)
  local file = assert(io.open(name, 'wb'))
  file:write(text)
  file:close()
  vim.cmd.edit(name)
  return vim.api.nvim_get_current_buf()
end

--- Handle events until `condition` holds.
function session.wait(what, condition)
  if not vim.wait(PATIENCE, condition, 5) then
    local seen = vim.inspect(vim.tbl_map(session.show, vim.diagnostic.get()))
    error('waited in vain until ' .. what .. '; diagnostics: ' .. seen, 2)
  end
end

--- The diagnostics of a control in a buffer, in the order of the text.
function session.found(buffer, code)
  local found = vim.tbl_filter(function(diagnostic)
    return diagnostic.code == code
  end, vim.diagnostic.get(buffer))
  table.sort(found, function(a, b)
    return a.lnum < b.lnum or (a.lnum == b.lnum and a.col < b.col)
  end)
  return found
end

--- The text under a diagnostic.
function session.covered(buffer, d)
  return table.concat(vim.api.nvim_buf_get_text(buffer, d.lnum, d.col, d.end_lnum, d.end_col, {}), '\n')
end

--- Wait for the diagnostics of a control, and check how many there are and the text under each.
function session.expect(buffer, code, texts)
  local function covered()
    return vim.tbl_map(function(d)
      return session.covered(buffer, d)
    end, session.found(buffer, code))
  end
  local what = code .. ' is at ' .. vim.inspect(texts)
  session.wait(what, function()
    return vim.deep_equal(covered(), texts)
  end)
end

--- Put the cursor at the start of a diagnostic and apply the code action whose title contains `title`.
function session.act(buffer, diagnostic, title)
  vim.api.nvim_set_current_buf(buffer)
  vim.api.nvim_win_set_cursor(0, { diagnostic.lnum + 1, diagnostic.col })
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return action.title:find(title, 1, true) ~= nil
    end,
  })
end

--- Press keys, as a user would.
function session.press(keys)
  vim.api.nvim_feedkeys(vim.keycode(keys), 'tx', false)
end

--- The text of a buffer, with `\n` between lines.
function session.text(buffer)
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n')
end

--- Raise unless both are equal.
function session.same(actual, expected, what)
  if not vim.deep_equal(actual, expected) then
    error(what .. ': expected ' .. vim.inspect(expected) .. ', got ' .. vim.inspect(actual), 2)
  end
end

--- A diagnostic in one line, for messages.
function session.show(d)
  return ('%s %d:%d-%d:%d %s'):format(d.code, d.lnum, d.col, d.end_lnum, d.end_col, d.message)
end

local ok, failure = xpcall(function()
  dofile(vim.env.KSCAN_SCENARIO)(session)
end, debug.traceback)
if not ok then
  io.stderr:write('\n' .. failure .. '\n')
  vim.cmd('cquit 1')
end
vim.cmd('qall!')
