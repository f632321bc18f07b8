-- The settings file is edited and written in the same editor: the findings of open manifests follow.

local POD = [[
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
]]

return function(session)
  session.start()
  local settings = session.open('.kscan.yaml', 'frameworks: [recommended]\n')
  local buffer = session.open('pod.yaml', POD)
  session.expect(buffer, 'C-0057', { 'privileged: true' })

  local function write(lines)
    vim.api.nvim_set_current_buf(settings)
    vim.api.nvim_buf_set_lines(settings, 0, -1, false, lines)
    vim.cmd('silent write')
  end
  write({ 'controls:', '  exclude: [C-0057]' })
  session.expect(buffer, 'C-0057', {})

  write({ 'controls:', '  exclud: [C-0057]' })
  session.expect(buffer, 'C-0057', { 'privileged: true' })
  session.wait('the wrong key is a problem in the settings', function()
    local found = vim.diagnostic.get(settings)
    return #found == 1 and session.covered(settings, found[1]):find('exclud', 1, true) ~= nil
  end)
end
