-- A control that is written in Neovim: hover, completion, lenses, an action, definition and rename.

local POD = [[
apiVersion: v1
kind: Pod
metadata: {name: shop}
spec:
  containers:
  - {name: api, securityContext: {privileged: true}}
]]

local CONTROL = [[
id: ORG-0001
title: Privileged é
severity: high
description: a
remediation: a
inputs: {teams: [web]}
checks:
  - each: containers
    deny: container.?securityContext.?privileged.orValue(false) && !(objectName in inputs.teams)
    at: securityContext.privileged
    message: "'{container.name}' is privileged"
]]

local function go(text)
  vim.api.nvim_win_set_cursor(0, { 1, 0 })
  local line, column = unpack(vim.fn.searchpos('\\V' .. text, 'cn'))
  assert(line > 0, text .. ' is not there')
  vim.api.nvim_win_set_cursor(0, { line, column - 1 })
end

local function floating(session)
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= '' then
      return session.text(vim.api.nvim_win_get_buf(window)), window
    end
  end
end

vim.lsp.commands['kscan.showFindings'] = function(command, context)
  local encoding = vim.lsp.get_client_by_id(context.client_id).offset_encoding
  local items = vim.lsp.util.locations_to_items(command.arguments[2], encoding)
  vim.fn.setqflist({}, ' ', { title = 'kscan', items = items })
end

return function(session)
  local settings = assert(io.open('.kscan.yaml', 'wb'))
  settings:write('policies: [control.yaml]\ninputs:\n  teams: [x]\n')
  settings:close()
  local control = assert(io.open('control.yaml', 'wb'))
  control:write(CONTROL)
  control:close()
  session.start({ init_options = { codeLens = true } })
  local pod = session.open('pod.yaml', POD)
  session.expect(pod, 'C-0057', { 'privileged: true' })
  local buffer = session.open('control.yaml', CONTROL)
  session.wait('the server is there', function()
    return #vim.lsp.get_clients({ bufnr = buffer, name = 'kscan' }) == 1
  end)

  go('privileged.or')
  vim.lsp.buf.hover()
  session.wait('the value for the pod is shown', function()
    local text = floating(session)
    return text and text:find('true', 1, true) and text:find("container 'api' of Pod 'shop', in pod.yaml", 1, true)
  end)
  vim.api.nvim_win_close(select(2, floating(session)), true)

  local function titles()
    return vim.tbl_map(function(lens)
      return lens.command and lens.command.title or ''
    end, vim.lsp.codelens.get(buffer))
  end
  vim.lsp.codelens.refresh({ bufnr = buffer })
  session.wait('the lens says what fails', function()
    return vim.tbl_contains(titles(), 'open files: 1 judged, 1 fail in pod.yaml')
  end)
  go('deny')
  vim.lsp.codelens.run()
  session.wait('a click lists the place', function()
    local listed = vim.fn.getqflist()
    return #listed == 1 and listed[1].bufnr == pod and listed[1].lnum == 6
  end)

  go('false)')
  vim.api.nvim_feedkeys('ipod.', 'x', false)
  go('pod.false')
  local line, column = unpack(vim.api.nvim_win_get_cursor(0))
  local at = { textDocument = { uri = vim.uri_from_bufnr(buffer) }, position = { line = line - 1, character = column + 4 } }
  local found = vim.lsp.buf_request_sync(buffer, 'textDocument/completion', at, 20000)
  local labels = vim.inspect(found)
  assert(labels:find('hostNetwork', 1, true), 'no field of a pod is offered: ' .. labels)
  vim.cmd.undo()

  go('deny')
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(action)
      return action.title == 'Add a test that fails this check'
    end,
  })
  session.wait('a test is there', function()
    return session.text(buffer):find('# ^^^^^^^^^^^^^^^^ ORG-0001', 1, true)
  end)
  vim.lsp.codelens.refresh({ bufnr = buffer })
  session.wait('and passes', function()
    return vim.tbl_contains(titles(), 'passes')
  end)

  go('teams)')
  vim.lsp.buf.rename('owners')
  session.wait('the input has another name in both files', function()
    local other = vim.fn.bufnr('.kscan.yaml')
    return other > 0
      and session.text(other):find('  owners: [x]', 1, true)
      and session.text(buffer):find('inputs.owners', 1, true)
      and session.text(buffer):find('inputs: {owners: [web]}', 1, true)
  end)
end
