-- The way around with Neovim's own functions: outline, folds, definition, references, symbols of the workspace, calls.

local FILES = {
  ['deployment.yaml'] = [[
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      serviceAccountName: web
      containers:
        - name: api
          image: registry.example.com/shop/api:1.0
          envFrom:
            - secretRef:
                name: keys
]],
  ['account.yaml'] = [[
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
  namespace: shop
---
apiVersion: v1
kind: Secret
metadata:
  name: keys
  namespace: shop
]],
}

local function name_of(buffer)
  return vim.fs.basename(vim.api.nvim_buf_get_name(buffer))
end

--- What a request would put into the quickfix or location list, as texts.
local function listed(session, what, ask)
  local items
  ask({
    on_list = function(options)
      items = options.items
    end,
  })
  session.wait(what, function()
    return items ~= nil
  end)
  return vim.tbl_map(function(item)
    return ('%s:%d %s'):format(vim.fs.basename(item.filename or vim.api.nvim_buf_get_name(item.bufnr)), item.lnum, item.text)
  end, items)
end

return function(session)
  session.start()
  for name, text in pairs(FILES) do
    local file = assert(io.open(name, 'wb'))
    file:write(text)
    file:close()
  end
  assert(io.open('.kscan.yaml', 'wb')):close()
  local buffer = session.open('deployment.yaml', FILES['deployment.yaml'])
  session.wait('the server is attached', function()
    return #vim.lsp.get_clients({ bufnr = buffer }) == 1
  end)

  local outline = listed(session, 'there is an outline', vim.lsp.buf.document_symbol)
  assert(table.concat(outline, '\n'):find('Deployment', 1, true), vim.inspect(outline))
  assert(table.concat(outline, '\n'):find('api', 1, true), vim.inspect(outline))

  vim.api.nvim_win_set_cursor(0, { 13, 28 })
  vim.lsp.buf.definition()
  session.wait('the definition of the account is shown', function()
    return name_of(0) == 'account.yaml' and vim.api.nvim_win_get_cursor(0)[1] <= 4
  end)

  vim.api.nvim_win_set_cursor(0, { 4, 9 })
  local references = listed(session, 'there are references', function(options)
    vim.lsp.buf.references(nil, options)
  end)
  assert(table.concat(references, '\n'):find('deployment.yaml:13', 1, true), vim.inspect(references))

  local symbols = listed(session, 'there are symbols', function(options)
    vim.lsp.buf.workspace_symbol('keys', options)
  end)
  assert(table.concat(symbols, '\n'):find('account.yaml', 1, true), vim.inspect(symbols))

  vim.api.nvim_win_set_cursor(0, { 9, 9 })
  vim.fn.setqflist({})
  vim.lsp.buf.incoming_calls()
  session.wait('who can get at the Secret is listed', function()
    return #vim.fn.getqflist() > 0
  end)
  local caller = vim.fn.getqflist()[1]
  session.same(name_of(caller.bufnr), 'deployment.yaml', 'who gets at the Secret')
  vim.cmd('cclose')

  vim.cmd.edit('deployment.yaml')
  vim.wo.foldmethod = 'expr'
  vim.wo.foldexpr = 'v:lua.vim.lsp.foldexpr()'
  session.wait('the containers fold', function()
    return vim.fn.foldlevel(15) > vim.fn.foldlevel(3) and vim.fn.foldlevel(3) > 0
  end)
  vim.api.nvim_win_set_cursor(0, { 15, 0 })
  vim.cmd('normal! zM')
  session.same(vim.fn.foldclosed(15) ~= -1, true, 'the fold is closed')
end
