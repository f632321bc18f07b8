-- One action fixes a finding: the line is right, the squiggle is gone, undo brings both back.

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
        privileged: true # since the migration
]]

return function(session)
  session.start()
  local buffer = session.open('pod.yaml', POD)
  session.expect(buffer, 'C-0057', { 'privileged: true' })
  session.wait('the file is as it was', function()
    return not vim.bo[buffer].modified
  end)

  local before = session.text(buffer)
  session.act(buffer, session.found(buffer, 'C-0057')[1], '[C-0057]')
  session.expect(buffer, 'C-0057', {})
  session.same(session.text(buffer), (before:gsub('privileged: true', 'privileged: false')), 'text after the fix')

  vim.cmd.undo()
  session.expect(buffer, 'C-0057', { 'privileged: true' })
  session.same(session.text(buffer), before, 'text after undo')
end
