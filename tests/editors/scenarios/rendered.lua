-- What a chart renders to, as docs/editors.md has it: opened from a lens, with its findings, following what is typed.

local TEMPLATE = [[
apiVersion: v1
kind: Pod
metadata: {name: {{ .Release.Name }}}
spec:
  hostPID: {{ .Values.debug }}
  containers: [{name: api, image: "shop/api:1.0"}]
]]

local function show(buffer)
  local client = vim.lsp.get_clients({ name = 'kscan' })[1]
  local uri = vim.api.nvim_buf_get_name(buffer)
  client:request('workspace/textDocumentContent', { uri = uri }, function(_, content)
    if not (content and vim.api.nvim_buf_is_valid(buffer)) then return end
    vim.bo[buffer].modifiable = true
    vim.api.nvim_buf_set_lines(buffer, 0, -1, false, vim.split(content.text, '\n'))
    vim.bo[buffer].modifiable, vim.bo[buffer].modified = false, false
  end)
end
vim.api.nvim_create_autocmd('BufReadCmd', {
  pattern = 'kscan-rendered:///*',
  callback = function(event)
    vim.bo[event.buf].buftype, vim.bo[event.buf].bufhidden = 'nofile', 'wipe'
    vim.bo[event.buf].syntax = 'yaml'
    show(event.buf)
  end,
})
vim.lsp.handlers['workspace/textDocumentContent/refresh'] = function(_, params)
  local buffer = vim.fn.bufnr(params.uri)
  if buffer > 0 then show(buffer) end
  return vim.NIL
end

return function(session)
  vim.lsp.config('kscan', {
    capabilities = { workspace = { textDocumentContent = { dynamicRegistration = false } } },
  })
  session.start({ init_options = { codeLens = true } })
  vim.fn.mkdir('shop/templates', 'p')
  vim.fn.writefile({ 'apiVersion: v2', 'name: shop', 'version: 0.1.0' }, 'shop/Chart.yaml')
  vim.fn.writefile(vim.split(TEMPLATE, '\n'), 'shop/templates/pod.yaml')
  local values = session.open('shop/values.yaml', 'debug: true\n')
  session.expect(values, 'C-0038', { 'debug: true' })

  vim.lsp.codelens.refresh({ bufnr = values })
  local function shows()
    for _, lens in ipairs(vim.lsp.codelens.get(values)) do
      if lens.command and lens.command.title == 'show rendered' then return lens.command end
    end
  end
  session.wait('there is a lens', function()
    return shows() ~= nil
  end)
  -- a click would ask which of the lenses of the line is meant
  vim.lsp.get_clients({ name = 'kscan' })[1]:exec_cmd(shows(), { bufnr = values })
  local function shown()
    for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
      if vim.api.nvim_buf_get_name(buffer):find('^kscan%-rendered:') then return buffer end
    end
  end
  local function has(text)
    session.wait('what is shown has ' .. text, function()
      local lines = shown() and vim.api.nvim_buf_get_lines(shown(), 0, -1, false) or {}
      return vim.tbl_contains(lines, '  ' .. text)
    end)
  end
  has('hostPID: true')
  session.expect(shown(), 'C-0038', { 'hostPID: true' })
  vim.api.nvim_buf_set_lines(values, 0, 1, false, { 'debug: false' })
  has('hostPID: false')
end
