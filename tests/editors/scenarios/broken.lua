-- A tab and a half-typed key: one problem at its place, the other findings stay, and all is well when it is gone.

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
    - name: proxy
      image: shop/proxy:1.0
]]

return function(session)
  session.start()
  local buffer = session.open('pod.yaml', POD)
  session.expect(buffer, 'C-0057', { 'privileged: true' })
  local function shown()
    local lines = vim.tbl_map(session.show, vim.diagnostic.get(buffer))
    table.sort(lines)
    return lines
  end
  local before = shown()
  local function on_line(lnum)
    return vim.diagnostic.get(buffer, { lnum = lnum, severity = vim.diagnostic.severity.ERROR })
  end

  session.press('8Go<C-u><C-v><Tab>tty: true<Esc>')
  session.same(session.text(buffer):match('\n(\t[^\n]*)'), '\ttty: true', 'the tab is in the text')
  session.wait('the tab is shown on its line', function()
    return #on_line(8) == 1
  end)
  session.expect(buffer, 'C-0057', { 'privileged: true' })
  session.press('9Gdd')
  session.wait('all is as before the tab', function()
    return vim.deep_equal(shown(), before)
  end)

  session.press('12Go<C-u>      imagePullPo<Esc>')
  session.wait('the half-typed key is shown', function()
    return #on_line(12) == 1
  end)
  session.expect(buffer, 'C-0057', { 'privileged: true' })
  session.press('13Gdd')
  session.wait('all is as before the key', function()
    return vim.deep_equal(shown(), before)
  end)
end
