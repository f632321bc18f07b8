-- The code lens of docs/editors.md: a line above each object, and a list of its findings.

local PODS = [[
apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
    - name: api
      image: shop/api:1.0
      securityContext:
        privileged: true
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports: [{port: 80}]
]]

vim.lsp.commands['kscan.showFindings'] = function(command, context)
  local encoding = vim.lsp.get_client_by_id(context.client_id).offset_encoding
  local items = vim.lsp.util.locations_to_items(command.arguments[2], encoding)
  vim.fn.setqflist({}, ' ', { title = 'kscan', items = items })
  vim.cmd.copen()
end

return function(session)
  session.start({ init_options = { codeLens = true } })
  local buffer = session.open('pods.yaml', PODS)
  session.expect(buffer, 'C-0057', { 'privileged: true' })

  vim.lsp.codelens.refresh({ bufnr = buffer })
  local function titles()
    return vim.tbl_map(function(lens)
      return lens.command and lens.command.title or ''
    end, vim.lsp.codelens.get(buffer))
  end
  session.wait('there are two lenses', function()
    local shown = titles()
    table.sort(shown)
    return #shown == 2 and shown[1]:find('high', 1, true) and shown[2]:find('nothing found', 1, true)
  end)

  vim.api.nvim_win_set_cursor(0, { 1, 0 })
  vim.lsp.codelens.run()
  session.wait('the findings of the pod are listed', function()
    return #vim.fn.getqflist() == #vim.diagnostic.get(buffer)
  end)
end
